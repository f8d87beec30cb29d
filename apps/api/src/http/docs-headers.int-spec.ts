import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

it.each(['/docs', '/docs/swagger-ui.css', '/docs/swagger-ui-init.js'])(
  '%s runs only its own scripts, cannot be framed and is not sniffed',
  async (path) => {
    const response = await fetch(`${api.url}${path}`);
    await response.text();
    const { headers } = response;
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
    );
    expect(headers.get('content-security-policy')).not.toMatch(/script-src[^;]*unsafe/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  },
);

it('keeps no API key in the browser', async () => {
  const init = await (await fetch(`${api.url}/docs/swagger-ui-init.js`)).text();
  expect(init).toContain('"persistAuthorization": false');
});

it('has no inline scripts, which the policy would block', async () => {
  const page = await (await fetch(`${api.url}/docs`)).text();
  expect(page).toContain('swagger-ui-init.js');
  expect(page).not.toMatch(/<script>|<script [^>]*>[^<\s]/);
});

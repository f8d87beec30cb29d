import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promtool } from '@pns/local-servers';
import { metrics } from '@pns/runtime';
import { parse } from 'yaml';
import './start'; // loads every app, and with it every metric

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const root = join(__dirname, '..', '..', '..');
const rulesFile = join(root, 'deploy', 'prometheus', 'alerts.yml');
const rules = (parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** The cells of each row of the table below this heading of the page. */
function rows(heading: string): string[][] {
  const page = readFileSync(join(root, 'docs', 'metrics.md'), 'utf8');
  const section = page.slice(page.indexOf(heading)).split('\n## ', 1)[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', '')));
}

it('docs/metrics.md lists every metric with its labels, and no other', () => {
  const own = metrics.getMetricsAsArray().filter(({ name }) => name.startsWith('pns_'));
  const registered = own.map((metric) => {
    const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
    return labelNames.length === 0 ? metric.name : `${metric.name}{${labelNames.join(',')}}`;
  });
  expect(rows('# Metrics, health and alerts').map(([, name]) => name)).toEqual(expect.arrayContaining(registered));
  expect(registered).toEqual(expect.arrayContaining(rows('# Metrics, health and alerts').map(([, name]) => name)));
});

/** Runs promtool. Its output also names what it checked. */
function runPromtool(args: readonly string[], input = ''): { readonly status: number | null; readonly output: string } {
  const { file, env } = promtool();
  const { status, stdout, stderr } = spawnSync(file, args, { env, encoding: 'utf8', input });
  return { status, output: stdout + stderr };
}

it('promtool finds no fault in the names and texts of the metrics', async () => {
  const text = (await metrics.metrics()).split('\n').filter((line) => /^(# \w+ )?pns_/.test(line));
  expect(runPromtool(['check', 'metrics'], `${text.join('\n')}\n`)).toEqual({ status: 0, output: '' });
});

it('docs/operating.md has a section for every alert, to which the alert refers', () => {
  const page = readFileSync(join(root, 'docs', 'operating.md'), 'utf8');
  const sections = [...page.matchAll(/^### (Pns\w+)\n\n(.+)/gm)];
  expect(sections.map(([, alert]) => alert)).toEqual(rules.map(({ alert }) => alert));
  for (const { alert, annotations } of rules) {
    expect(annotations).toMatchObject({ runbook: `docs/operating.md#${alert.toLowerCase()}` });
  }
});

describe('the dashboard of Grafana', () => {
  interface Panel {
    readonly title: string;
    readonly type: string;
    readonly description?: string;
    readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }

  const { panels, templating } = JSON.parse(readFileSync(join(root, 'deploy', 'grafana', 'pns.json'), 'utf8')) as {
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  };
  const charts = panels.filter(({ type }) => type !== 'row');
  const expressions = charts.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const own = new Map(metrics.getMetricsAsArray().map((metric) => [metric.name, metric]));

  /** The metric of a series: histograms have three series each. */
  const metricOf = (series: string): string => (own.has(series) ? series : series.replace(/_(bucket|sum|count)$/, ''));
  const seriesIn = (expr: string): string[] => expr.match(/\b(?:pns|process|nodejs)_\w+/g) ?? [];
  const labelsOf = (series: string): readonly string[] =>
    (own.get(metricOf(series)) as { readonly labelNames?: readonly string[] } | undefined)?.labelNames ?? [];

  it.each(charts.map((panel) => [panel.title, panel] as const))('%s has a description and a unit', (_, panel) => {
    expect(panel.description).toMatch(/^[A-Z].+\.$/);
    expect(panel.fieldConfig?.defaults.unit).toMatch(/^\w+$/);
    expect(panel.targets?.length).toBeGreaterThan(0);
  });

  it('has no two panels at one place', () => {
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(places).size).toBe(places.length);
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
  });

  it('shows every metric of PNS, and no metric that does not exist', () => {
    const shown = new Set(expressions.flatMap(seriesIn).map(metricOf));
    expect([...shown].filter((name) => !own.has(name))).toEqual([]);
    expect([...own.keys()].filter((name) => name.startsWith('pns_') && !shown.has(name))).toEqual([]);
  });

  it.each(expressions)('%s uses labels and values that its metrics have', async (expr) => {
    const samples = await metrics.getMetricsAsJSON();
    for (const [, series = '', matchers = ''] of expr.matchAll(/\b((?:pns|process|nodejs)_\w+)\{([^}]*)\}/g)) {
      const values = samples.find(({ name }) => name === metricOf(series))?.values ?? [];
      for (const [, label = '', value = ''] of matchers.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        expect(labelsOf(series)).toContain(label);
        const known = new Set(values.map(({ labels }) => labels[label]));
        if (known.size === 0 || value.includes('$')) continue; // a gauge has values only while its app runs
        for (const each of value.split('|'))
          expect([label, [...known]]).toEqual([label, expect.arrayContaining([each])]);
      }
    }
    const known = ['le', 'job', 'instance', ...seriesIn(expr).flatMap(labelsOf)];
    for (const [, grouped = ''] of expr.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of grouped.split(/, */)) expect(known).toContain(label);
    }
  });

  it('shows only processes of PNS', () => {
    const ofProcesses = expressions.filter((expr) => seriesIn(expr).some((series) => !series.startsWith('pns_')));
    expect(ofProcesses.length).toBeGreaterThan(0);
    const shared = new Set(ofProcesses.flatMap(seriesIn).filter((series) => !series.startsWith('pns_')));
    const processes = ['job="pns",instance="a"', 'job="pns",instance="b"', 'job="other",instance="a"'];
    const growing = [...shared].flatMap((series) => processes.map((labels) => `${series}{${labels}}`));
    const builds = processes.slice(0, 2).map((labels) => `pns_build_info{version="1",${labels}}`);
    const folder = mkdtempSync(join(tmpdir(), 'pns-dashboard-'));
    const file = join(folder, 'tests.json');
    const test = {
      interval: '30s',
      input_series: [...growing, ...builds].map((series) => ({ series, values: '1+1x20' })),
      promql_expr_test: ofProcesses.map((expr) => ({
        expr: `count by (job) (${expr.replaceAll('$__rate_interval', '5m')})`,
        eval_time: '5m',
        exp_samples: [{ labels: '{job="pns"}', value: 2 }],
      })),
    };
    writeFileSync(file, JSON.stringify({ tests: [test] }));
    const { status, output } = runPromtool(['test', 'rules', file]);
    rmSync(folder, { recursive: true });
    expect([status, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('has only expressions that Prometheus accepts, and variables that exist', () => {
    const names = templating.list.map(({ name }) => name);
    const used = expressions.flatMap((expr) => [...expr.matchAll(/\$(\w+)/g)].map(([, name = '']) => name));
    expect([...new Set(used)].filter((name) => !name.startsWith('__') && !names.includes(name))).toEqual([]);
    const folder = mkdtempSync(join(tmpdir(), 'pns-dashboard-'));
    const file = join(folder, 'rules.json');
    const asRules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m'),
    }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules: asRules }] }));
    const { status, output } = runPromtool(['check', 'rules', file]);
    rmSync(folder, { recursive: true });
    expect([status, output]).toEqual([0, expect.stringContaining(`${expressions.length} rules found`)]);
  });
});

it('docs/metrics.md explains every alert of alerts.yml as it is there', () => {
  const documented = rows('## Alerts').map(([, alert, expr, duration]) => [alert, expr, duration]);
  expect(documented).toEqual(rules.map(({ alert, expr, for: duration = '' }) => [alert, expr, duration]));
});

describe('an alert', () => {
  type Case = readonly [alert: string, series: Readonly<Record<string, string>>, fires: number, resolved: number];

  /** Series with values every 30 s, in promtool's notation; a minute when the alert fires; a minute when it has ended. */
  const cases: readonly Case[] = [
    ['PnsDispatchLate', { 'pns_oldest_due_seconds{instance="a"}': '0x4 11x20 0x20' }, 4, 15],
    ['PnsDispatchUnknown', { 'pns_oldest_due_seconds{instance="a"}': '0x4 stale _x20 0x20' }, 5, 16],
    ['PnsOverloaded', { 'pns_notifications_total{result="overloaded"}': '0x4 1x60' }, 3, 15],
    ['PnsRedisFilling', { pns_redis_memory_ratio: '0.5x4 0.81x20 0.5x20' }, 4, 15],
    [
      'PnsServerErrors',
      { 'pns_http_request_duration_seconds_count{method="GET",route="/v1/audit",status="5xx"}': '0x4 1+1x40 41x40' },
      9,
      30,
    ],
    ['PnsTransportPaused', { 'pns_transport_paused{transport="apns",client="mail"}': '_x4 1x40 0x20' }, 8, 25],
    ['PnsMisconfigured', { 'pns_deliveries_total{transport="apns",outcome="misconfigured"}': '0x4 1x60' }, 3, 15],
    ['PnsQueueGrows', { 'pns_queue_depth{queue="webhook",state="waiting"}': '0x4 1+1x60 61x60' }, 15, 40],
    ['PnsCircuitOpen', { 'pns_circuit_open{transport="webhook"}': '0x4 1x60 0x20' }, 18, 35],
    ['PnsEndpointOff', { 'pns_endpoints{transport="webhook",state="off"}': '0x4 1x20 0x20' }, 11, 15],
    ['PnsEndpointFailing', { 'pns_endpoint_warnings_total{transport="webhook",percent="90"}': '0x4 1x200' }, 6, 70],
    [
      'PnsTokensGone',
      { 'pns_deliveries_total{transport="fcm",outcome="gone"}': '0+1x600 660+60x60 4260x60' },
      310,
      345,
    ],
    ['PnsExhausted', { 'pns_deliveries_total{transport="apns",outcome="exhausted"}': '0x4 1x60' }, 3, 15],
    ['PnsFailedGrowing', { 'pns_failed_deliveries{transport="wns",held="false"}': '0x4 200x200' }, 3, 70],
    ['PnsJobsStalled', { 'pns_jobs_stalled_total{queue="apns"}': '0x4 1x60' }, 3, 15],
    ['PnsJobsFailed', { 'pns_jobs_failed_total{queue="apns"}': '0x4 200x60' }, 3, 15],
    ['PnsHistoryLost', { 'pns_history_records_total{result="lost"}': '0x4 1x60' }, 3, 15],
    [
      'PnsCredentialsExpire',
      { 'pns_credentials_expiry_timestamp_seconds{transport="apns",client="mail"}': '2000000x4 1000000x20 2000000x20' },
      3,
      15,
    ],
    ['PnsConfigFaulty', { pns_config_last_reload_success: '1x4 0x40 1x20' }, 8, 25],
  ];

  /** promtool's output for all cases: an alert must fire at minute `fires`, and neither at minute 1 nor at `resolved`. */
  let output: string;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'pns-alerts-'));
    const tests = cases.map(([alert, series, fires, resolved]) => {
      const expr = `count(ALERTS{alertname="${alert}",alertstate="firing"})`;
      return {
        interval: '30s',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          { expr, eval_time: '1m', exp_samples: [] },
          { expr, eval_time: `${fires}m`, exp_samples: [{ value: 1 }] },
          { expr, eval_time: `${resolved}m`, exp_samples: [] },
        ],
      };
    });
    const file = join(folder, 'tests.json');
    writeFileSync(file, JSON.stringify({ evaluation_interval: '30s', rule_files: [rulesFile], tests }));
    ({ output } = runPromtool(['test', 'rules', file]));
    rmSync(folder, { recursive: true });
  });

  it.each(cases)('%s fires, and ends after the fault', (alert) => {
    expect(output).not.toMatch(new RegExp(`\\b${alert}\\b`)); // the output names the tests that failed
  });

  it('is refused by promtool in no other way', () => {
    expect(output).toContain('SUCCESS');
  });

  it('has a test above', () => {
    expect(cases.map(([alert]) => alert)).toEqual(rules.map(({ alert }) => alert));
  });
});

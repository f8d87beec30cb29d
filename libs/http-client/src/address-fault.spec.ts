import { isIP } from 'node:net';
import { addressFault } from './address-fault';
import { NameError } from './name-lookup';

const names: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['93.184.215.14'],
  'inside.example': ['10.1.2.3'],
  'both.example': ['10.1.2.3', '93.184.215.14'],
};

function lookUp(hostname: string) {
  const addresses = names[hostname];
  if (addresses === undefined) return Promise.reject(new NameError('ENOTFOUND'));
  return Promise.resolve({
    addresses: addresses.map((address) => ({ address, family: isIP(address) })),
    holdsMs: 1000,
  });
}

it.each([
  ['https://public.example/hook', [], undefined],
  ['https://both.example/hook', [], undefined],
  ['https://inside.example/hook', [], /not a public one \(private\)/],
  ['https://inside.example/hook', ['10.0.0.0/8'], undefined],
  ['https://10.1.2.3/hook', [], /not a public one \(private\)/],
  ['https://10.1.2.3/hook', ['10.0.0.0/8'], undefined],
  ['http://[::1]:8080/', [], /not a public one \(loopback\)/],
  ['http://[::1]:8080/', ['::1/128'], undefined],
  ['https://missing.example/', [], /could not be looked up \(ENOTFOUND\)/],
] as const)('%s with the networks %j', async (url, allowedNetworks, expected) => {
  const fault = await addressFault(url, allowedNetworks, lookUp);
  if (expected === undefined) expect(fault).toBeUndefined();
  else expect(fault).toMatch(expected);
});

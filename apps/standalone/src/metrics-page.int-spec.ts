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

it('docs/metrics.md explains every alert of alerts.yml as it is there', () => {
  const documented = rows('## Alerts').map(([, alert, expr, duration]) => [alert, expr, duration]);
  expect(documented).toEqual(rules.map(({ alert, expr, for: duration = '' }) => [alert, expr, duration]));
});

describe('an alert', () => {
  /** Series with their values every 30 s, as promtool writes them, and the minute in which the alert fires; before, it does not. */
  const cases: readonly (readonly [alert: string, series: Readonly<Record<string, string>>, minute: number])[] = [
    ['PnsDispatchLate', { 'pns_oldest_due_seconds{instance="a"}': '0x4 11x20' }, 4],
    ['PnsDispatchUnknown', { 'pns_oldest_due_seconds{instance="a"}': '0x4 stale _x20' }, 5],
    ['PnsOverloaded', { 'pns_notifications_total{result="overloaded"}': '0x4 1x20' }, 3],
    ['PnsRedisFilling', { pns_redis_memory_ratio: '0.5x4 0.81x20' }, 4],
    [
      'PnsServerErrors',
      { 'pns_http_request_duration_seconds_count{method="GET",route="/v1/audit",status="5xx"}': '0x4 1+1x40' },
      9,
    ],
    ['PnsTransportPaused', { 'pns_transport_paused{transport="apns",client="mail"}': '_x4 1x40' }, 8],
    ['PnsMisconfigured', { 'pns_deliveries_total{transport="apns",outcome="misconfigured"}': '0x4 1x20' }, 3],
    ['PnsQueueGrows', { 'pns_queue_depth{queue="webhook",state="waiting"}': '0x4 1+1x60' }, 15],
    ['PnsCircuitOpen', { 'pns_circuit_open{transport="webhook"}': '0x4 1x60' }, 18],
    ['PnsEndpointOff', { 'pns_endpoints{transport="webhook",state="off"}': '0x4 1x20' }, 11],
    ['PnsEndpointFailing', { 'pns_endpoint_warnings_total{transport="webhook",percent="90"}': '0x4 1x20' }, 6],
    ['PnsTokensGone', { 'pns_deliveries_total{transport="fcm",outcome="gone"}': '0+1x600 660+60x60' }, 310],
    ['PnsExhausted', { 'pns_deliveries_total{transport="apns",outcome="exhausted"}': '0x4 1x20' }, 3],
    ['PnsFailedGrowing', { 'pns_failed_deliveries{transport="wns",held="false"}': '0x4 200x20' }, 3],
    ['PnsJobsStalled', { 'pns_jobs_stalled_total{queue="apns"}': '0x4 1x20' }, 3],
    ['PnsJobsFailed', { 'pns_jobs_failed_total{queue="apns"}': '0x4 200x20' }, 3],
    ['PnsHistoryLost', { 'pns_history_records_total{result="lost"}': '0x4 1x20' }, 3],
    [
      'PnsCredentialsExpire',
      { 'pns_credentials_expiry_timestamp_seconds{transport="apns",client="mail"}': '2000000x4 1000000x20' },
      3,
    ],
    ['PnsConfigFaulty', { pns_config_last_reload_success: '1x4 0x40' }, 8],
  ];

  /** What promtool prints about all alerts: each must fire at its minute, and not in the first one. */
  let output: string;

  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'pns-alerts-'));
    const tests = cases.map(([alert, series, minute]) => {
      const expr = `count(ALERTS{alertname="${alert}",alertstate="firing"})`;
      return {
        interval: '30s',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          { expr, eval_time: `${minute}m`, exp_samples: [{ value: 1 }] },
          { expr, eval_time: '1m', exp_samples: [] },
        ],
      };
    });
    const file = join(folder, 'tests.json');
    writeFileSync(file, JSON.stringify({ evaluation_interval: '30s', rule_files: [rulesFile], tests }));
    const { file: program, env } = promtool();
    const { stdout, stderr } = spawnSync(program, ['test', 'rules', file], { env, encoding: 'utf8' });
    output = stdout + stderr;
    rmSync(folder, { recursive: true });
  });

  it.each(cases)('%s fires', (alert) => {
    expect(output).not.toMatch(new RegExp(`\\b${alert}\\b`)); // it names the tests that failed
  });

  it('is refused by promtool in no other way', () => {
    expect(output).toContain('SUCCESS');
  });

  it('has a test above', () => {
    expect(cases.map(([alert]) => alert)).toEqual(rules.map(({ alert }) => alert));
  });
});

import type { FastifyReply } from 'fastify';

type Cell = string | number | undefined;

/** Whether a request asks for CSV instead of JSON. */
export function wantsCsv(accept = ''): boolean {
  return accept.split(',').some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === 'text/csv');
}

/** Rows as CSV (RFC 4180) with a header. */
export function csvOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cellOf).join()}\r\n`).join('');
}

/** Sets the Content-Type of CSV, and the link to the next page if there is one. */
export function sendAsCsv(reply: FastifyReply, url: string, nextCursor: string | undefined): void {
  void reply.type('text/csv; charset=utf-8');
  if (nextCursor === undefined) return;
  const next = new URL(url, 'http://localhost');
  next.searchParams.set('cursor', nextCursor);
  void reply.header('link', `<${next.pathname}${next.search}>; rel="next"`);
}

function cellOf(cell: Cell): string {
  // A spreadsheet would execute text that begins like a formula, for example an id of a producer. The apostrophe prevents this.
  const text = typeof cell === 'string' ? cell.replace(/^(?=[=+\-@\t\r])/, "'") : String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

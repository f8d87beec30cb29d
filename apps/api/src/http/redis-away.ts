/** What ioredis says while there is no connection, or no answer in time. */
const clientSentences =
  /^(Stream isn't writeable|Connection is closed|Command timed out|Reached the max retries|Too many Cluster redirections|Cluster isn't ready|Cluster is ended|None of startup nodes|Failed to refresh slots)/;

/** Replies of a server that cannot serve for now: it starts, fails over or is busy. Full is another fault: `redisFullSentence`. */
const serverReplies = /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|TRYAGAIN|BUSY|NOREPLICAS)\b/;

/** Whether `error` means that Redis cannot be used now, and the same call may succeed later. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'MaxRetriesPerRequestError' || clientSentences.test(error.message)) return true;
  return error.name === 'ReplyError' && serverReplies.test(error.message);
}

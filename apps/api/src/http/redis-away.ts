/** Error messages of ioredis without a connection or after a timeout. */
const clientSentences =
  /^(Stream isn't writeable|Connection is closed|Command timed out|Reached the max retries|Too many Cluster redirections|Cluster isn't ready|Cluster is ended|None of startup nodes|Failed to refresh slots)/;

/** Replies of a server that starts, fails over or is busy. A full server is another fault: `redisFullSentence`. */
const serverReplies = /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|TRYAGAIN|BUSY|NOREPLICAS)\b/;

/** Whether `error` means that Redis cannot be used now and a retry can succeed. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'MaxRetriesPerRequestError' || clientSentences.test(error.message)) return true;
  return error.name === 'ReplyError' && serverReplies.test(error.message);
}

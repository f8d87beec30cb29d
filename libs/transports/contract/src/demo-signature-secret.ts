/**
 * The signing secret of webhooks in the shipped demo configuration. It is public, so options with it are refused in production.
 * The sandbox verifies signatures with it.
 */
export const demoSignatureSecret = 'pns-demo-signature-secret';

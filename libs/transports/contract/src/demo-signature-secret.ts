/**
 * The signing secret of webhooks in the shipped demo configuration. It is public, so production refuses it; the sandbox verifies
 * signatures with it.
 */
export const demoSignatureSecret = 'pns-demo-signature-secret';

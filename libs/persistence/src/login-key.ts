/** The form in which a login is kept and compared: without case, and with composed characters (Unicode NFC). */
export function loginKey(login: string): string {
  // Lower case can decompose a character again: of İ it makes an i and a dot.
  return login.normalize('NFC').toLowerCase().normalize('NFC');
}

/** The form in which a login is stored and compared: lower case and composed characters (Unicode NFC). */
export function loginKey(login: string): string {
  // toLowerCase can decompose a character again: it converts İ to an i and a dot.
  return login.normalize('NFC').toLowerCase().normalize('NFC');
}

/** A word of a command as a shell takes it, whatever it holds: a name of a file may be `$(...)`. */
export function shellWord(text: string): string {
  if (/^[\w./:@+,=-]+$/.test(text)) return text;
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Something that is wrong with an installation. */
export interface Finding {
  /** The part that was checked: a variable, a server, a file or a client. */
  readonly where: string;
  readonly problem: string;
  readonly cure: string;
}

/** A fault of the configuration folder, reported by the API or found in the folder by this process. */
interface FileFault {
  readonly file: string;
  readonly line?: number | undefined;
  readonly entry?: string | undefined;
  readonly reason: string;
}

export function fileFinding({ file, line, entry, reason }: FileFault): Finding {
  return {
    where: line === undefined ? file : `${file}:${line}`,
    problem: entry === undefined ? reason : `${entry}: ${reason}`,
    cure: 'Correct the entry; every app reads the file again within a second.',
  };
}

/** Access keys of S3. Secret. */
export interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** A profile of the AWS tools that gets its keys elsewhere: from a role, from SSO, from a program. */
export interface KeyProfile {
  profile: string;
  /** The AWS tools' files; absolute paths. Either may be missing. */
  files: { config: string; credentials: string };
  region: string | undefined;
  /** The command line that prints the keys, if any does. May contain a secret. */
  program: string | undefined;
  /** How the user signs in again, if the keys come from a sign-in: `aws sso login --profile recordings`. */
  signIn: string | undefined;
}

import os from 'node:os';
import path from 'node:path';

/** The properties of the machine that folders and safety rules depend on. Tests use their own. */
export interface Machine {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  home: string;
  /** Undefined where the system has none. */
  uid: number | undefined;
}

/** This machine, as seen with the given environment. */
export function machineOf(env: NodeJS.ProcessEnv, overrides: Partial<Omit<Machine, 'env'>> = {}): Machine {
  const platform = overrides.platform ?? process.platform;
  return {
    env,
    platform,
    home: overrides.home ?? homeOf(env, platform),
    uid: 'uid' in overrides ? overrides.uid : process.getuid?.(),
  };
}

/**
 * `HOME` counts only if it is an absolute path; otherwise the home folder comes from the system's list of users. On Windows
 * it does not count: Git Bash and Cygwin set it to paths that only they understand, such as `/c/Users/ada`.
 */
function homeOf(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (platform === 'win32') return env.USERPROFILE || os.homedir();
  if (env.HOME && path.isAbsolute(env.HOME)) return env.HOME;
  try {
    const listed = os.homedir();
    return path.isAbsolute(listed) ? listed : os.userInfo().homedir;
  } catch {
    // The account is not in the list, as with `docker run --user 1234`. Docker itself names this folder.
    return '/';
  }
}

/**
 * The folder for the user's configuration and the one for state: those of env-paths, but from the environment given
 * (env-paths reads the process's when it is imported), and state where the system has a place that nobody cleans.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function userFolders({ env, platform, home }: Machine): { config: string; state: string } {
  const name = 'recordupload';
  if (platform === 'darwin') {
    const library = path.join(home, 'Library');
    return { config: path.join(library, 'Preferences', name), state: path.join(library, 'Application Support', name) };
  }
  if (platform === 'win32') {
    const roaming = env.APPDATA || path.join(home, 'AppData', 'Roaming');
    const local = env.LOCALAPPDATA || path.join(home, 'AppData', 'Local');
    return { config: path.join(roaming, name, 'Config'), state: path.join(local, name, 'Data') };
  }
  // The specification: relative paths in these variables are invalid and ignored.
  const base = (variable: string | undefined, otherwise: string[]) =>
    variable && path.isAbsolute(variable) ? variable : path.join(home, ...otherwise);
  return {
    config: path.join(base(env.XDG_CONFIG_HOME, ['.config']), name),
    state: path.join(base(env.XDG_STATE_HOME, ['.local', 'state']), name),
  };
}

/** Makes a configured path absolute: `~/` is the home folder (on Windows `~\`, too); other paths are relative to `folder`. */
export function resolvePath(text: string, folder: string, home: string, platform = process.platform): string {
  if (text === '~' || text.startsWith('~/') || (platform === 'win32' && text.startsWith('~\\')))
    return path.join(home, text.slice(1));
  return path.resolve(folder, text);
}

/** The file's path as messages show it: relative if it is below the working directory. */
export function displayPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

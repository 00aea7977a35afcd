import { VERSION } from './version.ts';

// The entry. Scripts ask for the version often, and it needs nothing else of the program.
const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  void import('./run.ts')
    .then(({ run }) => run(argv))
    .then(exitCode => {
      process.exitCode = exitCode;
    });
}

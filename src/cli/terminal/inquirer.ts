// All that the program uses of the library, so that the bundle has no more of it.
export { confirm, input, password } from '@inquirer/prompts';

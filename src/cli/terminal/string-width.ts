// The build makes this load when it is first called: the tables of Unicode take 11 ms.
export { default } from 'string-width';

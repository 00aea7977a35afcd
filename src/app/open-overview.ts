// For use cases that have no configuration, and so no runtime.
export { openOverview } from '../state/open.ts';

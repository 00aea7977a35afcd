/** The result of `dashboard --json`, printed once it listens. */
export interface DashboardJson {
  address: string;
  /** Where it listens, which differs behind a proxy. */
  listensOn: string;
  /** The same with a token that signs in once. */
  signInAddress: string;
  readOnly: boolean;
}

export function dashboardJson({ address, listensOn, signInAddress, readOnly }: DashboardJson): DashboardJson {
  return { address, listensOn, signInAddress, readOnly };
}

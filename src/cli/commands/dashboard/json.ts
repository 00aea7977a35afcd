/** The result of `dashboard --json`, printed once it listens. */
export interface DashboardJson {
  address: string;
  /** The same with a token that signs in once. */
  signInAddress: string;
  readOnly: boolean;
}

export function dashboardJson({ address, signInAddress, readOnly }: DashboardJson): DashboardJson {
  return { address, signInAddress, readOnly };
}

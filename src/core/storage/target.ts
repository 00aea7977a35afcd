/** By which name the state knows a bucket: that of its endpoint with its own, `https://s3.example.com/recordings`. */
export function targetOf({ endpoint, bucket }: { endpoint: string; bucket: string }): string {
  return `${endpoint}/${bucket}`;
}

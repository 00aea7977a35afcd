/** The id that `webhook test` sends by default; no recording has it. */
const TEST_RECORDING_ID = 999;

/**
 * Makes the payload of `webhook test`: what the contract requires, and the mark `"test": true`, by which the receiver can
 * recognise it.
 * @param createdAtMs milliseconds since 1970
 * @returns JSON text
 */
export function testPayload(options: {
  recordingId?: number | string | undefined;
  user: { username?: string | undefined; email?: string | undefined };
  createdAtMs: number;
}): string {
  const { recordingId = TEST_RECORDING_ID, user, createdAtMs } = options;
  // The contract's form: microseconds, a space, no zone.
  const createdAt = new Date(createdAtMs).toISOString().replace('T', ' ').replace('Z', '000');
  return JSON.stringify({
    test: true,
    recording_id: recordingId,
    title: 'recordupload webhook test',
    created_at: createdAt,
    duration_seconds: 0,
    duration_database: 0,
    user_info: { username: user.username, email: user.email },
    file_info: { total_size_mb: 0, individual_sizes_mb: {} },
    uploaded_files: {},
    upload_source: 'webhook_test',
  });
}

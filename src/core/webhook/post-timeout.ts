/** The whole request must end within this time, connecting and reading the response included (the contract). */
export const POST_TIMEOUT_MS = 30_000;

// All that the program uses of the SDK to get keys. The build bundles this module by itself first.
export { fromIni, fromWebToken } from '@aws-sdk/credential-providers';
export { NodeHttpHandler } from '@smithy/node-http-handler';

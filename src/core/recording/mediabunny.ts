// All that the program uses of the media library. The build bundles this module by itself first, as it does the SDK.
export {
  CustomSource,
  Input,
  Logging,
  LogLevel,
  MATROSKA,
  type MetadataTags,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WEBM,
} from 'mediabunny';

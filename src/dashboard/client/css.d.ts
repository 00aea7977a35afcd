// The bundler makes the style sheet of these.
declare module '*.css';

// Comlink's types lie beside its adapter for Node under a name that its .mjs is not looked for by.
declare module 'comlink/dist/esm/node-adapter.mjs' {
  export { default } from 'comlink/dist/esm/node-adapter.d.ts';
}

/** scripts/example-pictures.ts: the address of a smaller copy. */
declare module '*?example' {
  const url: string;
  export default url;
}

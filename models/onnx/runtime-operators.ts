/** Operators that are not the standard's but ONNX Runtime's own, among those that our graphs use. */
export const ONNX_RUNTIME = {
  domain: 'com.microsoft',
  version: 1n,
  operators: new Set(['MatMulIntegerToFloat', 'FusedMatMul', 'QuickGelu']),
} as const;

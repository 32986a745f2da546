/** Operators that are not the standard's but ONNX Runtime's own, among those that our graphs use. */
export const ONNX_RUNTIME = { domain: 'com.microsoft', version: 1n } as const;

/** Those whose pictures lie in blocks of channels: see blocked-convolutions.ts. */
const BLOCKED_CHANNELS = { domain: 'com.microsoft.nchwc', version: 1n } as const;

/** An operator as a model names it. */
interface RuntimeOperator {
  readonly domain: string;
  readonly version: bigint;
  readonly opType: string;
}

/** By the names that our graphs have for them, which are the standard's for all others. */
export const RUNTIME_OPERATORS: ReadonlyMap<string, RuntimeOperator> = new Map([
  ['MatMulIntegerToFloat', { ...ONNX_RUNTIME, opType: 'MatMulIntegerToFloat' }],
  ['FusedMatMul', { ...ONNX_RUNTIME, opType: 'FusedMatMul' }],
  ['QuickGelu', { ...ONNX_RUNTIME, opType: 'QuickGelu' }],
  ['BlockedConv', { ...BLOCKED_CHANNELS, opType: 'Conv' }],
  ['ReorderInput', { ...BLOCKED_CHANNELS, opType: 'ReorderInput' }],
  ['ReorderOutput', { ...BLOCKED_CHANNELS, opType: 'ReorderOutput' }],
]);

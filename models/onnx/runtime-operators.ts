/** Operators that are not the standard's but ONNX Runtime's own, among those that our graphs use. */
export const ONNX_RUNTIME = { domain: 'com.microsoft', version: 1n } as const;

/** Those whose pictures lie in blocks of channels: see blocked-convolutions.ts. */
const BLOCKED_CHANNELS = { domain: 'com.microsoft.nchwc', version: 1n } as const;

interface RuntimeOperator {
  readonly domain: string;
  readonly version: bigint;
  /** Where the domain has it under a name of the standard's. */
  readonly opType?: string;
}

/** By the names that our graphs have for them. */
export const RUNTIME_OPERATORS: ReadonlyMap<string, RuntimeOperator> = new Map<string, RuntimeOperator>([
  ['MatMulIntegerToFloat', ONNX_RUNTIME],
  ['FusedMatMul', ONNX_RUNTIME],
  ['QuickGelu', ONNX_RUNTIME],
  ['BlockedConv', { ...BLOCKED_CHANNELS, opType: 'Conv' }],
  ['ReorderInput', BLOCKED_CHANNELS],
  ['ReorderOutput', BLOCKED_CHANNELS],
]);

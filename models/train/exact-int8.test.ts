import { expect, it } from 'vitest';
import { refuseWrongInt8 } from './exact-int8.ts';

it('refuses 8-bit products whose sums overflowed', async () => {
  // Sums of two that end at 32,767, as those of a kernel without VNNI: 255 · 127 twice is 64,770.
  const overflowed = new Float32Array(64).fill((64 * 32_767) / 64_770);
  await expect(refuseWrongInt8(async () => overflowed)).rejects.toThrow(
    /^This processor does not multiply in 8 bits .* came to 32\.\d+ of them\. Leave --precision out\.$/,
  );
});

it('takes exact ones', async () => {
  await refuseWrongInt8(async () => new Float32Array(64).fill(64));
});

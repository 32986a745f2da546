// Steps on a GPU, on a thread of its own, against the same on the CPU. Chromium's SwiftShader computes as one where a Chromium is found; elsewhere a real one.

import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chromium } from '@playwright/test';
import { describe, expect, it, vi } from 'vitest';
import { startThread } from '../files/thread.ts';
import { averageOf, config, firstLosses, options, STEPS } from './fixtures/first-losses.ts';
import { GpuThread } from './gpu-thread.ts';
import { Trainer } from './trainer.ts';

vi.mock(import('../files/thread.ts'), { spy: true });

const ICD = 'vk_swiftshader_icd.json';

/** Chromium's folder, which holds SwiftShader and a Vulkan loader. */
function swiftShader(): string | undefined {
  const executables = [process.env.CHROMIUM_PATH ?? '', chromium.executablePath()].filter(existsSync);
  const folders = executables.map((path) => dirname(realpathSync(path)));
  return [...folders, '/usr/lib/chromium'].find((folder) => existsSync(join(folder, ICD)));
}

function onGpu(): { losses: number[]; average: number[]; refusal: string } | string {
  const folder = swiftShader();
  const program = join(import.meta.dirname, 'fixtures/first-losses.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', program], {
    encoding: 'utf8',
    env: {
      ...process.env,
      ...(folder
        ? {
            VK_ICD_FILENAMES: join(folder, ICD),
            LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
          }
        : {}),
    },
  });
  if (status !== 0 && stderr.includes('No GPU was found')) return stderr;
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('a run on a GPU', () => {
  it('that is stopped and goes on has the losses and the averaged weights of a whole one on the CPU', async ({
    skip,
  }) => {
    const gpu = onGpu();
    if (typeof gpu === 'string') {
      return skip('No Vulkan adapter, neither a GPU nor the SwiftShader of a Chromium: nothing to compare.');
    }
    const { losses, state } = await firstLosses(() => Trainer.create(config, options));
    // A node that would run on the CPU is no step on a GPU.
    expect(gpu.refusal).toMatch(/fallback/i);
    expect(gpu.losses).toHaveLength(STEPS);
    for (const [step, loss] of losses.entries()) {
      expect(gpu.losses[step], `step ${step + 1}`).toBeCloseTo(loss, 3);
    }
    const average = averageOf(state);
    expect(gpu.average).toHaveLength(average.length);
    for (const [i, mean] of average.entries()) expect(gpu.average[i]).toBeCloseTo(mean, 4);
    // SwiftShader compiles each shader for seconds.
  }, 300_000);

  it('refuses a batch in parts', async () => {
    await expect(GpuThread.create(config, { ...options, accumulate: 2 })).rejects.toThrow('--accum-freq');
  });

  it('whose thread ends is told of, not waited for', async () => {
    const { startThread: start } =
      await vi.importActual<typeof import('../files/thread.ts')>('../files/thread.ts');
    vi.mocked(startThread).mockImplementationOnce((_, options) =>
      start(new URL('./none.ts', import.meta.url), options),
    );
    await expect(GpuThread.create(config, options)).rejects.toThrow(
      /^Training on the GPU: the thread for it failed: .*none\.ts.*--resume/s,
    );
  });
});

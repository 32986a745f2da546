// The bar at the top: whose page this is, what runs where in one line, and the way in for photographs.

import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { memo } from 'react';
import { backendWords, deviceWords } from '../inference/device-words.ts';
import type { LoadProgress, ModelReport } from '../inference/types.ts';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatMilliseconds } from '../ui/format.ts';
import { Icon, Mark } from '../ui/icon.tsx';
import { Popover } from '../ui/popover.tsx';
import { tellHeight } from '../ui/tell-height.ts';
import { loadingWords } from './loading-words.ts';
import { useServices } from './services.tsx';
import { type Model, useProgress } from './use-classify.ts';
import './machine-bar.css';

interface MachineBarProps {
  readonly model: Model;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onModels: () => void;
}

export const MachineBar = memo(function MachineBar({ model, onFiles, onModels }: MachineBarProps) {
  return (
    <header className="bar" ref={tellHeight}>
      <h1 className="brand">
        <Mark /> <span>Promptlens</span>
      </h1>
      <Machinery model={model} />
      <div className="bar-actions">
        <Button onClick={onModels}>
          <Icon name="models" size={18} /> <span className="bar-wide">Models</span>
        </Button>
        <FileButton look="primary" accept="image/*,.heic,.heif" onFiles={onFiles}>
          <Icon name="add" size={18} />{' '}
          <span>
            Add <span className="bar-wide">photographs</span>
          </span>
        </FileButton>
        <FileButton folder className="button-icon" aria-label="Add a folder of photographs" onFiles={onFiles}>
          <Icon name="folder" />
        </FileButton>
      </div>
    </header>
  );
});

function Machinery({ model: { report, progress, problem, reload } }: { readonly model: Model }) {
  if (problem !== null) {
    return (
      <div className="machinery machinery-problem" role="alert">
        <Icon name="warning" size={18} />
        <p>{problem}</p>
        <Button onClick={reload}>
          <Icon name="retry" size={16} /> Try again
        </Button>
      </div>
    );
  }
  if (report === null || progress !== null) return <Loading progress={progress} />;
  return <Running report={report} />;
}

function Loading({ progress }: { readonly progress: LoadProgress | null }) {
  const total = progress?.totalBytes ?? 0;
  const loaded = progress?.loadedBytes ?? 0;
  const share = total > 0 ? Math.min(1, loaded / total) : 0;
  return (
    <div className="machinery numbers">
      <p>{loadingWords(progress)}</p>
      <div
        className={`load-track ${total === 0 ? 'load-unknown' : ''}`}
        role="progressbar"
        aria-label="Loading the model"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={total > 0 ? Math.round(share * 100) : undefined}
        aria-valuetext={loadingWords(progress)}
      >
        <div style={total > 0 ? { scale: `${share} 1` } : undefined} />
      </div>
    </div>
  );
}

function Running({ report }: { readonly report: ModelReport }) {
  const msPerPhoto = useProgress('msPerPhoto');
  const { client } = useServices();
  const { model, precision, selfTest, passedOver } = report;
  const kept = useQuery({
    queryKey: ['kept-offline', report.modelKey, precision, report.backend],
    queryFn: () => client.keptOffline(),
  });
  const pace = msPerPhoto === null ? null : formatMilliseconds(msPerPhoto);
  return (
    <div className="machinery">
      <Popover
        label="What runs where"
        buttonClass="machinery-line"
        button={
          <>
            <span className="machinery-model">{model}</span>
            <span>{precision}</span>
            <span>{deviceWords(report)}</span>
            {pace !== null && (
              <span className="numbers">
                {pace} <span className="bar-wide">a photograph</span>
              </span>
            )}
            <span className="machinery-test">
              {selfTest !== null ? (
                <>
                  <Icon name="check" size={14} /> <span className="bar-wide">self-test passed</span>
                </>
              ) : (
                'no self-test'
              )}
            </span>
            <Icon name="chevron" size={14} />
          </>
        }
      >
        <dl className="facts">
          <Fact name="Model" value={`${model}, ${precision}`} />
          <Fact
            name="Device"
            value={
              report.adapter === null ? deviceWords(report) : `${deviceWords(report)}: ${report.adapter}`
            }
          />
          <Fact
            name="Time"
            value={pace === null ? 'Not measured in this visit yet.' : `${pace} a photograph`}
          />
          <Fact
            name="Self-test"
            value={
              selfTest === null
                ? 'This model brings none; WebAssembly is the reference.'
                : `Passed: cosine ${selfTest.cosine.toFixed(5)} with ${selfTest.madeOnDevice ? 'what WebAssembly gave here' : 'a sound device’s vectors'}.`
            }
          />
          <Fact
            name="Vectors"
            value={`${report.embedDim === null ? '' : `${report.embedDim} numbers; `}prompts of up to ${report.contextLength} tokens`}
          />
          <Fact name="Offline" value={offlineWords(kept)} />
          {passedOver.map(({ backend, precision: other, reason }) => (
            <Fact
              key={`${backend} ${other}`}
              name="Passed over"
              value={`${backendWords(backend)}, ${other}: ${reason}`}
            />
          ))}
        </dl>
      </Popover>
    </div>
  );
}

function offlineWords({ data: kept, error }: Pick<UseQueryResult<boolean>, 'data' | 'error'>): string {
  if (error !== null) return `The model could not be kept on this device: ${error.message}`;
  switch (kept) {
    case undefined:
      return 'Model and runtime are being kept on this device.';
    case true:
      return 'Model and runtime are kept on this device.';
    case false:
      return 'There was no room to keep the model on this device: it is downloaded at each visit.';
    default:
      return kept satisfies never;
  }
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

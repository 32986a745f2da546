// Which model the classifier encodes with. It is told beside React, at once: what still waits for a model that is given up is
// nobody's failure, and a photograph must not be shown as one until the next rendering.

import { embedPhoto } from '../inference/photo-embedding.ts';
import type { InferenceClient, KnownModel } from '../inference/types.ts';
import type { Classifier, Encoder } from './classifier.ts';

/** The half of the client that answers. */
type Embedding = Pick<InferenceClient, 'embedImage' | 'embedLabels'>;

/** Call with each model as it becomes known, and with null when it is gone. */
export type EncodeWith = (model: KnownModel | null) => void;

export function createEncodeWith(client: Embedding, classifier: Classifier): EncodeWith {
  let inUse: KnownModel | null = null;

  const encoderOf = (model: KnownModel): Encoder => {
    // A request that was under way when the model changed must not bring the new model's vector under the old one's key.
    const request = <Value>(send: () => Promise<Value>): Promise<Value> =>
      inUse === model ? send() : Promise.reject(new Error('The model was changed meanwhile.'));
    const bound: Embedding = {
      embedImage: (...args) => request(() => client.embedImage(...args)),
      embedLabels: (...args) => request(() => client.embedLabels(...args)),
    };
    return {
      modelKey: model.modelKey,
      precision: model.precision,
      logitScale: model.logitScale,
      embedPhoto: (photo, signal) => embedPhoto(bound, model, photo, signal),
      embedLabels: bound.embedLabels,
    };
  };

  return (model) => {
    inUse = model;
    classifier.update({ encoder: model && encoderOf(model) });
  };
}

// Labels as bars. A label among others has its probability; a label alone has its place on a scale of cosines, because
// a softmax over one says 100 % whatever the photograph shows.

import { formatCosine, formatProbability } from '../ui/format.ts';
import { placeOnScale, type Ranking } from './ranking.ts';
import './bars.css';

/** @param count how many of the best labels */
export function Bars({ ranking, count }: { readonly ranking: Ranking; readonly count: number }) {
  const { set, top, probability, unrelated, best } = ranking;
  if (probability === null) {
    const place = placeOnScale(best.cosine, unrelated);
    return (
      <div className="bars">
        <div className="bar-row bar-best">
          <span className="bar-label">{best.label}</span>
          <span className="bar-value numbers">{formatCosine(best.cosine)}</span>
          <span className="bar-track">
            <span style={{ scale: `${place ?? 0} 1` }} />
          </span>
        </div>
        <p className="bar-scale">
          <span>unrelated</span>
          <span>a good fit</span>
        </p>
      </div>
    );
  }
  return (
    <ol className="bars">
      {top.slice(0, count).map(({ index, probability: share }, place) => (
        <li key={index} className={`bar-row ${place === 0 ? 'bar-best' : ''}`}>
          <span className="bar-label">{set.labels[index]}</span>
          <span className="bar-value numbers">{formatProbability(share)}</span>
          <span className="bar-track">
            <span style={{ scale: `${share} 1` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

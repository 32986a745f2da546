/** A candidate's rank, from 0: how many have a higher score, equal ones counted in their order. */
export function rankOf(scores: ArrayLike<number>, candidate: number): number {
  const score = scores[candidate];
  let rank = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] > score || (scores[i] === score && i < candidate)) rank++;
  }
  return rank;
}

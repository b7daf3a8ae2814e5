"""Exchange a kept and a dropped weight of a row while the error of the layer's output falls.

With r the dropped weights of a row and G the second moments of the module's input, the row's error
is r G r (per token). To drop p and to keep q in its place changes it by

    2 w_p (Gr)_p + w_p^2 G_pp - 2 w_q (Gr)_q + w_q^2 G_qq - 2 w_p w_q G_pq

(after SparseSwaps, 2512.10922). Rows have nothing to do with each other, so many are worked on at a
time, and a sweep makes up to AT_ONCE exchanges in each. Among the weights that are the cheapest to
drop and the best to take, the best exchange comes first, then the others in order: as many of them
as lower the error most when they are made together.
"""

from typing import NamedTuple

import torch
from torch import Tensor

AT_ONCE = 4  # exchanges of a row in a sweep
SMALLEST = 1e-6  # of a row's error that a sweep must win, or the row is done
CHUNK = {"cpu": 2**18}  # weights worked on at a time, which stay in the cache
ELSEWHERE = 2**24


def layer_error(weight: Tensor, keep: Tensor, moments: Tensor) -> Tensor:
    """Mean over tokens of the squared change of the module's output, by row.

    weight, keep [rows, columns]; moments [columns, columns] -> [rows].
    """
    dropped = weight.masked_fill(keep, 0)
    return ((dropped @ moments) * dropped).sum(1)


@torch.no_grad()
def exchange(
    weight: Tensor, keep: Tensor, moments: Tensor, sweeps: int, group_size: int | None = None
) -> Tensor:
    """A mask that drops as many weights in each row and whose layer error is nowhere higher.

    weight [rows, columns], keep bool [rows, columns], True = kept, moments [columns, columns]: the
    mean over tokens of x x^T, or any multiple of it -> bool [rows, columns]. With `group_size` m,
    weights are exchanged within each m consecutive columns, so that a pattern n:m stays.
    """
    found = keep.clone()
    rows = max(1, CHUNK.get(weight.device.type, ELSEWHERE) // weight.shape[1])
    for start in range(0, len(weight), rows):
        chunk = slice(start, start + rows)
        found[chunk] = _Rows(weight[chunk], keep[chunk], moments, group_size).exchanged(sweeps)
    return found


class _Exchanges(NamedTuple):
    """Columns [rows, 2n], a kept and a dropped one in turn, of some rows.

    made: which change places; change: what is added to r there; won [rows]: to the row's error.
    """

    columns: Tensor
    made: Tensor
    change: Tensor
    won: Tensor


class _Rows:
    """Some rows on their way from one mask to another."""

    def __init__(self, weight: Tensor, keep: Tensor, moments: Tensor, group_size: int | None):
        self.weight, self.keep, self.moments = weight, keep, moments
        self.group_size = group_size
        self.alone = weight**2 * moments.diagonal()  # what each weight costs without the others

    def exchanged(self, sweeps: int) -> Tensor:
        """The mask after the sweeps; rows whose error did not fall keep the one they had."""
        before, keep = layer_error(self.weight, self.keep, self.moments), self.keep.clone()
        at_work = torch.arange(len(keep), device=keep.device)
        pull = self.weight.masked_fill(keep, 0) @ self.moments  # G r
        error = before.clone()
        for _sweep in range(sweeps):
            best = self._best(at_work, keep[at_work], pull[at_work])
            falls = best.won < -SMALLEST * error[at_work]
            at_work, best = at_work[falls], _Exchanges(*(tensor[falls] for tensor in best))
            if not len(at_work):
                break
            # A column that does not change places may stand there twice, in a row with few weights.
            made = torch.zeros(len(at_work), keep.shape[1], dtype=torch.int8, device=keep.device)
            keep[at_work] ^= made.scatter_add_(1, best.columns, best.made.to(torch.int8)).bool()
            pull[at_work] += (best.change[:, None] @ self.moments[best.columns])[:, 0]
            error[at_work] += best.won
        # Rounding may hide in a long sum what its parts seemed to win.
        worse = layer_error(self.weight, keep, self.moments) > before
        keep[worse] = self.keep[worse]
        return keep

    def _best(self, rows: Tensor, keep: Tensor, pull: Tensor) -> "_Exchanges":
        weight, alone = self.weight[rows], self.alone[rows]
        cross = 2 * weight * pull
        drop = (cross + alone).masked_fill_(~keep, torch.inf)
        take = (alone - cross).masked_fill_(keep, torch.inf)
        if self.group_size is None:
            dropped, taken = self._cheapest_in_rows(weight, drop, take)
        else:
            dropped, taken = self._cheapest_in_groups(weight, drop, take)
        columns = torch.stack([dropped, taken], dim=2).flatten(1)
        change = weight.gather(1, columns)
        change[:, 1::2].neg_()
        single = torch.stack([drop.gather(1, dropped), take.gather(1, taken)], dim=2).flatten(1)
        # The first n exchanges together: all single terms, and every two of their columns once.
        between = self.moments[columns[:, :, None], columns[:, None, :]].tril(-1)
        terms = single + 2 * change * (between @ change[:, :, None])[:, :, 0]
        won, last = terms.cumsum(1)[:, 1::2].min(1)
        made = torch.arange(columns.shape[1], device=columns.device) <= 2 * last[:, None] + 1
        return _Exchanges(columns, made, change.masked_fill(~made, 0), won)

    def _cheapest_in_rows(
        self, weight: Tensor, drop: Tensor, take: Tensor
    ) -> tuple[Tensor, Tensor]:
        # The best exchange of the cheapest comes first, the others as they are.
        dropped, taken = _cheapest(drop), _cheapest(take)
        pairs = drop.gather(1, dropped)[:, :, None] + take.gather(1, taken)[:, None, :]
        product = weight.gather(1, dropped)[:, :, None] * weight.gather(1, taken)[:, None, :]
        pairs -= 2 * product * self.moments[dropped[:, :, None], taken[:, None, :]]
        first = pairs.flatten(1).argmin(1)
        width = dropped.shape[1]
        return _to_front(dropped, first // width), _to_front(taken, first % width)

    def _cheapest_in_groups(
        self, weight: Tensor, drop: Tensor, take: Tensor
    ) -> tuple[Tensor, Tensor]:
        # The best exchange of every group, then the best of these: no column stands in two.
        size = self.group_size
        groups = weight.shape[1] // size
        within = self.moments.unflatten(0, (groups, size)).unflatten(2, (groups, size))
        within = within.diagonal(dim1=0, dim2=2).permute(2, 0, 1)  # [groups, size, size]
        weight, drop, take = (
            tensor.unflatten(1, (groups, size)) for tensor in (weight, drop, take)
        )
        pairs = drop[..., :, None] + take[..., None, :]
        pairs = pairs - 2 * weight[..., :, None] * weight[..., None, :] * within
        cost, pair = pairs.flatten(2).min(2)
        group = _cheapest(cost)
        pair, first = pair.gather(1, group), group * size
        return first + pair // size, first + pair % size


def _cheapest(cost: Tensor) -> Tensor:
    return cost.topk(min(AT_ONCE, cost.shape[1]), dim=1, largest=False).indices


def _to_front(columns: Tensor, position: Tensor) -> Tensor:
    """The column at a position of each row changes places with its first one."""
    found = columns.scatter(1, position[:, None], columns[:, :1])
    found[:, :1] = columns.gather(1, position[:, None])
    return found

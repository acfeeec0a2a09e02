"""The triplet losses as forms: functions of a batch's table of distances."""

from torch import Tensor
from torch.nn.functional import softplus

from training.losses.loss_value import LossOptions, LossValue, compute_triplet_stats
from training.losses.mining import MINERS, RankedBatch, count_as_negative, select_active


def triplet_loss(table: Tensor, batch: RankedBatch, options: LossOptions) -> LossValue:
    """The mean of max(d(a, p) - d(a, n) + margin, 0) over the mined triplets of a batch with distances `table` (n, n).

    Schroff, Kalenichenko, Philbin 2015 (FaceNet, there with squares: the distance "squared-l2"); with d itself as in
    the lecture notes and in Hermans, Beyer, Leibe 2017. The sum over triplets is linear in the distances once it is
    known which are active: sum of w[i, j] d[i, j] + margin * (active triplets), where w counts how often [i, j] is a
    match minus how often it is a mismatch. Counting takes O(n^2), so value and gradient are exact and no triplet is
    listed.
    """
    mined_span = MINERS[options.miner](batch, options.margin)
    active_span = select_active(batch, mined_span, options.margin)
    mined_count, active_count = mined_span.counts.sum(), active_span.counts.sum()
    divisor = (mined_count if options.average == "all" else active_count).clamp(min=1)
    # whole numbers become the table's type first: torch would divide them in float32
    weights = (active_span.counts - count_as_negative(batch, active_span)).to(table.dtype) / divisor
    loss = (weights * table).sum() + options.margin * active_count.to(table.dtype) / divisor
    return LossValue(loss, compute_triplet_stats(batch, mined_span.counts, options.margin))


def soft_triplet_loss(table: Tensor, batch: RankedBatch, options: LossOptions) -> LossValue:
    """The mean of log(1 + exp(d(a, p) - d(a, n))) over all mined triplets: the soft margin of Hermans, Beyer, Leibe
    2017, section 2.

    Only for miners that choose at most one triplet for each anchor and match: the sum is not linear in the distances,
    so every triplet needs its own term, and n^2 of them fit where n^3 would not.
    """
    mined_span = MINERS[options.miner](batch, 0.0)
    mismatch = batch.negative_order.gather(1, mined_span.first.clamp(max=len(batch.negative_order) - 1))
    terms = softplus(table - table.gather(1, mismatch)) * mined_span.counts
    loss = terms.sum() / mined_span.counts.sum().clamp(min=1)
    return LossValue(loss, compute_triplet_stats(batch, mined_span.counts))

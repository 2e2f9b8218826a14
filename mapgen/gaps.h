/* gaps: which feeds say less of link state than it takes, told to the operator.
 *
 * A route reflector that makes link state anew from what it understood, as GoBGP 3 does, loses delays, losses and
 * bandwidths of links (TLV 1114 to 1120) and the metric of prefixes (1155), without which a prefix is attached
 * nowhere (L-070, L-151). Nothing of it is a fault that could be counted; only the gap can be seen. */
#pragma once

#include "model.h"
#include "report.h"

/* A sentence for each feed and kind with a gap, in the order of the feeds. */
void gaps_report(const struct model *model, struct report *report);

/* judge: what of a report needs a person. */
#pragma once

#include "report.h"

/* Fills report->points from everything else in it. Returns EXIT_HEALTHY, EXIT_ATTENTION or, when no file could be
 * read, EXIT_CANNOT_TELL. */
int judge(const struct config *config, struct arena *arena, struct report *report);

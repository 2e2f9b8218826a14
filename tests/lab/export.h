/* export: the present facts as JSON, so that an oracle can compute from the scenario what Altimeter
 * should have computed from the wire. docs/lab.md describes the shape. */
#pragma once

#include "backbone.h"

#include <stdio.h>

/* false: writing failed. */
bool export_json(struct backbone *backbone, FILE *stream);

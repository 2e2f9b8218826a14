/* export_bmp: the section bmp of the JSON export. */
#pragma once

#include "json.h"
#include "scenario_bmp.h"

void export_bmp(struct json *json, const struct scenario *scenario);

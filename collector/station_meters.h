/* station_meters: the BMP station's own figures for state.db's table meter. */
#pragma once

#include "bmp_station.h"
#include "recorder.h"

/* Gives the recorder what the station has counted: "bmp.…", and "fault.…" for each kind that was met. Cheap
 * enough for once a second. */
void station_meters_give(const struct bmp_station *station, struct recorder *recorder);

/* capture: every message that the reflectors and the BMP routers would send, as a packet capture for
 * tshark to judge. */
#pragma once

#include "backbone.h"

#include <stdio.h>

/* One made-up TCP connection each, from 192.0.2.N and port 179 for the N-th reflector, to port 11019 for
 * the BMP routers behind them; a BMP stream ends with all that can come after its tables. false: writing
 * failed. */
bool capture_write(struct backbone *backbone, FILE *file);

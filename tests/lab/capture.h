/* capture: every message that the reflectors would send, as a packet capture for tshark to judge. */
#pragma once

#include "backbone.h"

#include <stdio.h>

/* One made-up TCP connection a reflector, from its address and port 179; false: writing failed. */
bool capture_write(struct backbone *backbone, FILE *stream);

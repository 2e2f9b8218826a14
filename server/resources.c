/* resources: the kinds of ALTO resources that this server has. */
#include "resource.h"

const struct resource_module *const resource_modules[] = {
    &directory_module,         // RFC 7285 section 9.2
    &network_map_module,       // RFC 7285 section 11.2.1
    &cost_map_module,          // RFC 7285 section 11.2.3
    &endpoint_property_module, // RFC 7285 section 11.4
    NULL,
};

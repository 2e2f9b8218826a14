/* gen_random: see gen_random.h. */
#include "gen_random.h"

#include <assert.h>

static uint64_t mix(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

struct random random_start(uint64_t seed, uint64_t subject)
{
    return (struct random){.state = mix(seed) ^ mix(subject * UINT64_C(0x9e3779b97f4a7c15))};
}

uint64_t random_next(struct random *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(random->state);
}

/* The upper half of a product: its bias is below 2^-32, and nobody here counts that far. */
uint32_t random_below(struct random *random, uint32_t limit)
{
    assert(limit > 0);
    return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

uint32_t random_between(struct random *random, uint32_t low, uint32_t high)
{
    return low + random_below(random, high - low + 1);
}

bool random_percent(struct random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

size_t random_weighted(struct random *random, const uint32_t *weights, size_t count)
{
    uint32_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += weights[i];
    uint32_t drawn = random_below(random, total);
    size_t index = 0;

    while (drawn >= weights[index])
        drawn -= weights[index++];
    return index;
}

uint32_t random_by_shares(struct random *random, const uint32_t *shares, const uint32_t *values,
                          size_t count)
{
    uint32_t drawn = random_between(random, shares[0], shares[count - 1] - 1);
    size_t i = 1;

    while (drawn >= shares[i])
        i++;
    uint64_t width = shares[i] - shares[i - 1], rise = values[i] - values[i - 1];

    return values[i - 1] + (uint32_t)((rise * (drawn - shares[i - 1]) + width / 2) / width);
}

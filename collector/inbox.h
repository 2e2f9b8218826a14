/* inbox: the only way into a loop's thread from outside.
 *
 * Bounded, and posting never waits. What was posted belongs to the receiver. Only the first post of a
 * batch pays for a wake-up: the receiver takes everything at once.
 *
 * inbox_post and inbox_close may be called by any thread, the rest by the receiver's thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct inbox;

struct inbox *inbox_new(size_t capacity); // owned by the caller

/* What is in it is lost: close, end the posting threads and take the rest first. NULL is fine. */
void inbox_free(struct inbox *inbox);

/* false: full or closed, and the item still belongs to the caller. */
bool inbox_post(struct inbox *inbox, void *item);

/* Everything posted since the last call, oldest first; *count may be 0. The list is borrowed until the
 * next call. */
void *const *inbox_take(struct inbox *inbox, size_t *count);

void inbox_close(struct inbox *inbox); // posts are refused from now on

int inbox_wake_fd(const struct inbox *inbox); // readable when something was posted

/* json: writes JSON, commas set by itself. An item of a list has no key: NULL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *stream;
    bool comma; // something stands before on this level
};

void json_open(struct json *json, const char *key, char bracket); // '{' or '['
void json_close(struct json *json, char bracket);                 // '}' or ']'
void json_line(struct json *json); // what comes next stands on a line of its own

void json_text(struct json *json, const char *key, const char *text);
void json_hex(struct json *json, const char *key, const uint8_t *bytes, size_t length);
void json_number(struct json *json, const char *key, uint64_t number);
/* With three digits after the point. */
void json_decimal(struct json *json, const char *key, double number);

void json_bool(struct json *json, const char *key, bool value);

/* Levels of log lines, written in front of them as syslog and sd-daemon(3) have it. A line without
 * one is a warning: whoever has nothing to complain about says so. */
#ifndef FYKE_BASE_SAY_H
#define FYKE_BASE_SAY_H

#define SAY_ERROR "<3>"
#define SAY_WARNING "<4>"
#define SAY_INFO "<6>"
#define SAY_DEBUG "<7>"

enum say_level { LEVEL_ERROR = 3, LEVEL_WARNING = 4, LEVEL_INFO = 6, LEVEL_DEBUG = 7 };

/* The text behind the level. */
static inline const char *say_split(const char *line, enum say_level *ret)
{
    *ret = LEVEL_WARNING;
    if (line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>') {
        return line;
    }
    int n = line[1] - '0';
    *ret = n <= 3 ? LEVEL_ERROR : n == 4 ? LEVEL_WARNING : n <= 6 ? LEVEL_INFO : LEVEL_DEBUG;
    return line + 3;
}

#endif

#define COUNTING
#include "three.h"

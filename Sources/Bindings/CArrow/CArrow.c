// The interface is all declarations; this file is what makes a target of them.
#include "CArrow.h"

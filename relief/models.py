"""Where Django looks for tables: importing these modules registers them; import them from there."""

from relief.cases import models as cases
from relief.conversation import models as conversation
from relief.evidence import models as evidence
from relief.offers import models as offers
from relief.rights import models as rights

__all__ = ["cases", "conversation", "evidence", "offers", "rights"]

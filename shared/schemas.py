"""What the JSON API accepts and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import MISSING, BaseModel, ConfigDict, EmailStr, Field, WithJsonSchema

# What fits a database's 64-bit integer. OpenAPI's `maximum` is a float, which 2**63 - 1 is not.
SMALLEST_ID, LARGEST_ID = -(2**63), 2**63 - 1
Id = Annotated[int, Field(ge=SMALLEST_ID, le=LARGEST_ID), WithJsonSchema({"type": "integer", "format": "int64"})]

# PostgreSQL cannot store NUL in text.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Username = Annotated[Text, Field(min_length=1, max_length=50)]
Email = Annotated[EmailStr, Field(max_length=120)]
ImageFile = Annotated[Text, Field(min_length=1, max_length=200)]
Title = Annotated[Text, Field(min_length=1, max_length=100)]
Content = Annotated[Text, Field(min_length=1)]


class UserCreate(BaseModel):
    """A new user."""

    username: Username
    email: Email


class UserUpdate(BaseModel):
    """Changes to a user; what is not sent stays."""

    username: Username | MISSING = MISSING
    email: Email | MISSING = MISSING
    image_file: ImageFile | MISSING | None = MISSING


class UserResponse(BaseModel):
    """A user, as answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str
    image_file: str | None
    image_path: str


class PostCreate(BaseModel):
    """A post, whole: a new one, or what replaces one."""

    title: Title
    content: Content
    user_id: Annotated[Id, Field(strict=True)]


class PostUpdate(BaseModel):
    """Changes to a post; what is not sent stays."""

    title: Title | MISSING = MISSING
    content: Content | MISSING = MISSING


class PostResponse(BaseModel):
    """A post with its author, as answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    content: str
    user_id: int
    date_posted: datetime
    author: UserResponse


class Detail(BaseModel):
    """Why a request was turned down."""

    detail: str
